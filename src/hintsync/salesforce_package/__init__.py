"""The Salesforce metadata that hintsync needs in an org, in Metadata API format; deployed by `replicas.salesforce.metadata`."""
