#!/bin/sh
# The commands that give the spool of node a to Pacemaker, for two machines alpha and beta that are a cluster already (`pcs cluster setup`).
# Fencing comes first and is a must. doc/moving-disks.md explains it. The same again with b, ... for the spools of other nodes.
set -e

# Fencing: the power of each machine, switched by the other one. Here by IPMI; `pcs stonith list` has the other ways.
pcs property set stonith-enabled=true
pcs stonith create fence_alpha fence_ipmilan ip=10.0.1.11 \
    username=fence password_script=/etc/pacemaker/ipmi pcmk_host_list=alpha
pcs stonith create fence_beta fence_ipmilan ip=10.0.1.12 \
    username=fence password_script=/etc/pacemaker/ipmi pcmk_host_list=beta
pcs constraint location fence_alpha avoids alpha
pcs constraint location fence_beta avoids beta

# The volume on both machines, writable on one; the file system, the address and Mailroot there.
pcs resource create spool_a ocf:linbit:drbd drbd_resource=spool_a promotable \
    promoted-max=1 promoted-node-max=1 clone-max=2 clone-node-max=1 notify=true
pcs resource create fs_a ocf:heartbeat:Filesystem --group node_a \
    device=/dev/drbd/by-res/spool_a/0 directory=/srv/mailroot/a fstype=ext4 options=noatime
pcs resource create ip_a ocf:heartbeat:IPaddr2 --group node_a \
    ip=10.0.0.11 cidr_netmask=24
pcs resource create mailroot_a systemd:mailrootd@a --group node_a \
    op start timeout=60s op stop timeout=100s op monitor interval=10s
pcs constraint colocation add node_a with Promoted spool_a-clone
pcs constraint order promote spool_a-clone then start node_a
