#!/bin/sh
# What administrators call on the host of hintsync.service: hintsync with the service's user, state and keys. Needs root.
#   install -m 0755 deploy/hintsync.sh /usr/local/sbin/hintsync
set -eu
secrets=${HINTSYNC_SECRETS:-/etc/hintsync}
program=${HINTSYNC_PROGRAM:-/opt/hintsync/bin/hintsync}
user=${HINTSYNC_USER:-hintsync}
unset HINTSYNC_SECRETS HINTSYNC_PROGRAM HINTSYNC_USER

HINTSYNC_STATE=${HINTSYNC_STATE:-/var/lib/hintsync}
export HINTSYNC_STATE
for setting in master_keys hint_partner_key hint_webhook_keys alerts; do
    name=$(printf '%s' "$setting" | tr '[:lower:]' '[:upper:]')
    export "HINTSYNC_${name}_FILE=$secrets/$setting"
done
if [ "$(id -un)" = "$user" ]; then
    exec "$program" "$@"
fi
exec setpriv --reuid "$user" --regid "$user" --init-groups --no-new-privs "$program" "$@"
