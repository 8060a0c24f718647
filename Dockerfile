# The root file system of the managed plugin; `make plugin` builds, exports and enables it.
# packaging/plugin.py lays out the context: dependencies/ and program/ are what pip installs for this Python.
ARG BASE=debian:bookworm-slim
FROM ${BASE}
# A base that has everything already (made where no registry can be reached) needs no network here.
RUN command -v python3 nft iptables >/dev/null || { \
      apt-get update && \
      apt-get install -y --no-install-recommends python3 libnftables1 nftables iptables && \
      rm -rf /var/lib/apt/lists/*; }
COPY dependencies /opt/pynet
COPY program /opt/pynet
COPY pynet /usr/local/bin/pynet
# Compiled here once, not at each start; unchecked, because times do not survive all of the way to a plugin.
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /opt/pynet && \
    mkdir -p /run/docker/plugins /run/pynet /var/lib/pynet /host/plugins /host/proc/sys/net && \
    rm -rf /usr/share/doc /usr/share/man /usr/share/info /usr/share/locale /var/cache/apt /var/lib/apt/lists
