#ifndef NEUROND_DAEMON_TLS_SETUP_H
#define NEUROND_DAEMON_TLS_SETUP_H

#include <ctime>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "neurond/conf/config.h"
#include "neurond/net/tls_context.h"

namespace neuron {

/// The TLS of a whole configuration.
struct TlsContexts {
    std::shared_ptr<TlsContext> server;  ///< of [server]; null: plain
    /// By [listener NAME]; those that are not plain.
    std::map<std::string, std::shared_ptr<TlsContext>> listeners;
    /// By downstream; those whose url is https.
    std::map<std::string, std::shared_ptr<TlsContext>> legs;
    std::shared_ptr<TlsContext> registration;  ///< null: plain, or nowhere
};

/// Our own certificates, by file, and when each ends.
std::map<std::string, std::time_t> certificates_of(const TlsContexts& contexts);

/// Whether dates count: they do when an operator is there to hear of it, not when a reactor
/// takes over what has been serving.
enum class Dates { kJudge, kIgnore };

/// Reads every file that TLS keys name and makes contexts of them. What is wrong goes to
/// `diagnostics`, at the key that names the file.
TlsContexts make_tls(const conf::Config& config, conf::Files& files, Dates dates,
                     conf::Diagnostics& diagnostics);

}  // namespace neuron

#endif
