"""Salesforce, seen as a place that holds copies of people: Contacts of one org, over its REST, Bulk and Metadata APIs."""
