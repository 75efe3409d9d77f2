DROP TABLE security_gates;
