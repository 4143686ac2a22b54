#!/bin/sh
# After the files are gone. The ledger stays, also when dpkg purges: it is evidence for years. So does the user, who owns it.
set -e
case "$1" in
remove | 0)
	if [ -d /run/systemd/system ] || [ -n "$DPKG_ROOT" ]; then
		systemctl daemon-reload
	fi
	;;
purge)
	if [ -n "$(ls -A "$DPKG_ROOT/etc/sopd/secrets" 2>/dev/null)" ]; then
		echo "sopd: /etc/sopd holds your policies and secrets and is kept; withdraw the credentials at the vendors and remove it yourself"
	fi
	if [ -n "$(ls -A "$DPKG_ROOT/var/lib/sopd" 2>/dev/null)" ]; then
		echo "sopd: /var/lib/sopd holds the ledger and is kept; remove it yourself when no auditor can ask for it any more"
	fi
	;;
esac
