"""What hintsync is delivered as: the wheel, the image's recipe, compose files, the systemd unit; and what they describe, run."""
