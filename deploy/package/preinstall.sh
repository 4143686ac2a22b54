#!/bin/sh
# Before the files: the user that they and the daemon belong to.
set -e
if ! getent passwd sopd >/dev/null; then
	useradd --system --user-group --home-dir /var/lib/sopd --no-create-home --shell /usr/sbin/nologin sopd
fi
