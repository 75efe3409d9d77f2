ALTER TABLE client_engagements DROP COLUMN imports_say_branch;
