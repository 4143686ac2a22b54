#!/bin/sh
# Before the files go: "remove" from dpkg, 0 from rpm. An upgrade is neither.
set -e
case "$1" in
remove | 0)
	if [ -d /run/systemd/system ] || [ -n "$DPKG_ROOT" ]; then
		systemctl --no-reload disable --now sopd.service
	fi
	;;
esac
