"""The ab-tester agent: posts two texts on one subject and determines the better one."""
