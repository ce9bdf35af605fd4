"""The checks of the machine and the settings."""

from __future__ import annotations

from typing import Final

from hintsync.doctor.check import Area, Check

_SERVICE: Final = Area.SERVICE

SERVICE_CHECKS: Final = (
    Check(
        "settings",
        _SERVICE,
        "Settings",
        "Every setting can be read, is one that there is, and within its bounds.",
        {
            "unreadable": "Correct the setting that is named, in the environment or in settings.env in the state folder, "
            "and start the service again."
        },
    ),
    Check(
        "public-url",
        _SERVICE,
        "Public address",
        "HINTSYNC_PUBLIC_URL is set: Hint sends its webhooks there, and Salesforce opens our pages there.",
        {"unset": "Set HINTSYNC_PUBLIC_URL to the https:// address that leads to the service, and start it again."},
    ),
    Check(
        "partner-key",
        _SERVICE,
        "Hint partner key",
        "HINTSYNC_HINT_PARTNER_KEY is set: authorization codes and webhook addresses need it.",
        {
            "unset": "Copy the partner API key from Hint's Partner Portal into HINTSYNC_HINT_PARTNER_KEY, "
            "and start the service again."
        },
    ),
    Check(
        "webhook-keys",
        _SERVICE,
        "Webhook keys",
        "There is a key to tell Hint's webhooks from forged ones.",
        {
            "unset": "Copy the Webhooks Signature Key from Hint's Partner Portal into HINTSYNC_HINT_WEBHOOK_KEYS, "
            "and start the service again. Until then every webhook is refused."
        },
    ),
    Check(
        "alerts",
        _SERVICE,
        "Alerts",
        "Somebody is told when work stands still (the dead-man's alert) or a guard trips.",
        {
            "nobody": "Set HINTSYNC_ALERTS to Apprise addresses, such as mailto://…, and start the service again. "
            "Let your monitoring ask /readyz as well: a dead process tells nobody."
        },
    ),
    Check(
        "state-folder",
        _SERVICE,
        "State folder",
        "The folder is there, is ours to write, and nobody else may read it or settings.env in it.",
        {
            "missing": "Name the folder with --state or HINTSYNC_STATE. On a new machine, hintsync connect makes it.",
            "unwritable": "Give the folder to the user that the service runs as (chown).",
            "open": "Take the rights of group and others away: chmod 700 on the folder, chmod 600 on settings.env.",
        },
    ),
    Check(
        "master-key",
        _SERVICE,
        "Master key",
        "The key is there, nobody else may read its file, and it opens the database.",
        {
            "missing": "Put master.key back from where you keep its copy, or name it with HINTSYNC_MASTER_KEYS_FILE. "
            "Without it the stored credentials are lost: connect anew.",
            "broken": "The text is no master key: put the right one back from where you keep its copy.",
            "open": "Take the rights of group and others away: chmod 600 on the key file. If others could read it, rotate it.",
            "misfit": "Set the key that the database was made with; while rotating, the new key and then the old one.",
        },
    ),
    Check(
        "database",
        _SERVICE,
        "Database",
        "The database answers, and takes a write.",
        {
            "missing": "Nothing was stored here yet. Check --state or HINTSYNC_DATABASE_URL; on a new machine, "
            "run hintsync connect.",
            "unusable": "Check the address, the disk, the file's owner and rights, or the user and password of PostgreSQL.",
            "forgotten": "It lies in memory and is lost when the process ends: set HINTSYNC_DATABASE_URL.",
        },
    ),
    Check(
        "schema",
        _SERVICE,
        "Database schema",
        "The tables are of the version that this program knows.",
        {
            "older": "Make a backup, then run hintsync upgrade; or start the service, which does it as well.",
            "newer": "A newer version worked here. Install that one; an older one must not write.",
        },
    ),
    Check(
        "disk",
        _SERVICE,
        "Disk",
        "The state folder's disk has room: twice the database, and at least 1 GB.",
        {
            "low": "Free some space, or give the disk more. A backup or an upgrade needs as much as the database.",
            "full": "Free some space now: when the disk is full, nothing is synced until there is room again.",
        },
    ),
    Check(
        "backup",
        _SERVICE,
        "Backups",
        "A backup was taken and read back within the last two days, or within twice HINTSYNC_BACKUP_HOURS.",
        {
            "none": "Run hintsync backup FOLDER, or set HINTSYNC_BACKUP_TO, and the service takes them by itself. "
            "Keep backup.key on another machine.",
            "old": "Run hintsync backup FOLDER, and see in the log why none was taken by itself.",
        },
    ),
    Check(
        "keys-apart",
        _SERVICE,
        "Keys and backups",
        "No key lies where backups go: whoever takes a backup away must not have its key.",
        {"together": "Let HINTSYNC_BACKUP_TO name a folder outside the state folder, best on another disk or machine."},
    ),
    Check(
        "processes",
        _SERVICE,
        "Processes",
        "Processes give signs of life that serve the pages, work the queue and follow Salesforce.",
        {
            "none": "Start the service: hintsync serve, or the unit or container that runs it. Its log says why it ended.",
            "partly": "Start what is missing: hintsync serve --role web, --role subscriber, or hintsync worker.",
        },
    ),
    Check(
        "version",
        _SERVICE,
        "Version",
        "All processes run the version that is installed here.",
        {"mixed": "Restart the processes that still run another version."},
    ),
)
