"""What pages show, made from what the engine and the store say: frozen records, without any HTML."""
