#!/bin/sh
# What only one place may do. Each rule: a pattern, the files that may hold it, the reason.
set -u
found=0

only() {
    pattern=$1 allowed=$2 reason=$3
    hits=$(grep -rnE --include='*.cc' --include='*.h' "$pattern" src include |
        grep -vE "^($allowed)[^:]*:" | grep -vE '^[^:]*:[0-9]*: *//')
    [ -z "$hits" ] && return
    echo "$reason:"
    echo "$hits"
    found=1
}

only '#include <openssl/' '(src|include/neurond)/(base/crypto|net/tls_|fleet/ca)' \
    'OpenSSL is known to base/crypto, net/tls_* and fleet/ca'
only '#include <cjson/|"cJSON.h"' '(src|include/neurond)/wire/json_doc' \
    'cJSON is known to wire/json_doc'
only '(^|[^a-zA-Z_])::close\(' 'include/neurond/base/fd.h|src/loop/trampoline' \
    'base/fd.h closes descriptors'
only '::(fork|vfork|system|popen)\(' 'src/daemon/daemonize' \
    'children come from posix_spawn (loop/child)'
only '::(signal|sigaction)\(' 'src/(loop/signals|daemon/)' \
    'signals belong to loop/signals'
only '\b(strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|strtok)\(' 'nowhere' \
    'unbounded or unchecked C functions'
only '\b(usleep|sleep|nanosleep)\(' 'src/loop/child.cc' 'a timer waits, nobody sleeps'
only '\b(try|catch|throw|dynamic_cast|typeid)\b *[({]' 'nowhere' \
    'no exceptions, no run-time types'
only '\b(TODO|FIXME|XXX|HACK)\b' 'nowhere' 'open work is an issue, not a comment'
exit $found
