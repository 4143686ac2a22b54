#!/bin/sh
# After the files. A first installation starts nothing: sopd has to be configured first. An upgrade starts again what was
# running; the database is brought up to date by sopd itself.
set -e
chgrp sopd "$DPKG_ROOT/etc/sopd/policies" "$DPKG_ROOT/etc/sopd/sopd.env"
chown sopd:sopd "$DPKG_ROOT/var/lib/sopd"
if [ -d /run/systemd/system ] || [ -n "$DPKG_ROOT" ]; then
	systemctl daemon-reload
	systemctl try-restart sopd.service
fi
