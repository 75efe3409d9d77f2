DROP TABLE workload_tokens;
DROP TABLE trust_rules;
DROP TABLE client_tests;
DROP TABLE client_engagements;
DROP TABLE client_products;
DROP TABLE client_product_types;
DROP TABLE client_counters;
