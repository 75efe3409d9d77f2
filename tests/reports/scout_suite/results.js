scoutsuite_results =
{"account_id": "shop-1", "environment": "default", "provider_code": "gcp", "last_run": {"ruleset_name": "default", "time": "2026-01-31 08:00:00+0000", "version": "5.14.0"},
 "services": {"cloudstorage": {"findings": {
  "bucket-public": {"checked_items": 2, "compliance": [{"name": "CIS Foundations", "reference": "5.1", "version": "1.0.0"}], "description": "Bucket is <b>public</b>", "flagged_items": 2, "id_suffix": "public", "level": "danger",
   "items": ["cloudstorage.projects.shop-1.buckets.aa01.public", "cloudstorage.projects.shop-1.buckets.aa02"], "rationale": "Everybody may read it.", "references": ["https://example.com/buckets"], "remediation": "Close it.", "service": "Cloud Storage"},
  "bucket-no-logging": {"description": "No logging", "flagged_items": 1, "items": ["cloudstorage.projects.shop-1.buckets.aa01"], "level": "warning", "references": null, "remediation": null},
  "other": {"description": "Other", "flagged_items": 0, "items": [], "level": "danger"}, "odd": {"items": ["x"], "level": "odd"}}}, "iam": {"filters": {}}}}
