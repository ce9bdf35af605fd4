"""Links Salesforce Contacts with Hint Health Patients and keeps them in step, field by field, both ways."""
