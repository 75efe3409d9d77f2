DROP TABLE issue_trackers;
