-- Whether imports into an engagement name their branch. If none ever did, what they bring is of the branch that a client
-- says of the engagement.
ALTER TABLE client_engagements ADD COLUMN imports_say_branch BOOLEAN NOT NULL DEFAULT FALSE;
