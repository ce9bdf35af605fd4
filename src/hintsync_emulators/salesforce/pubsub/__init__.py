"""The Pub/Sub API of an emulated org: change events over gRPC, as Change Data Capture sends them.

`EventBus` (every org has one, as ``org.events``) turns committed changes into events and keeps them for the time of
retention; `server` carries them over gRPC. Nothing here is loaded from gRPC before a server is started.
"""
