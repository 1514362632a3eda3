#ifndef NEUROND_CONF_CHECK_LISTENER_H
#define NEUROND_CONF_CHECK_LISTENER_H

#include <cstddef>
#include <string>

#include "neurond/conf/config.h"
#include "neurond/conf/diagnostic.h"
#include "neurond/conf/files.h"

namespace neuron::conf {

/// The rules of [server] bind and serve and of each [listener NAME]: addresses that can be
/// listened on, no two alike; one that others can reach only where callers prove who they
/// are (DESIGN 1.4), unless allow_insecure says otherwise; the admin API only where
/// somebody may use it.
void check_listeners(const Config& config, Files& files, Diagnostics& diagnostics);

/// The longest name of a socket that a service manager hands over (systemd.socket(5)).
constexpr size_t kMaxInheritedName = 255;

/// Why `address` may not be listened on where callers prove nothing, and the ways to mend
/// it. `where` says in which section the TLS keys stand, if in another.
std::string why_too_reachable(const std::string& address, const std::string& where);

/// No certificate or token is asked of callers of that listener, and allow_insecure does
/// not make up for it. `tls`: the section with its [tls] keys.
bool must_be_local(const Config& config, const Section& tls);

}  // namespace neuron::conf

#endif
