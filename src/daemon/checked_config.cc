// The one way to a configuration that can be run.

#include "neurond/daemon/checked_config.h"

#include <utility>

#include "neurond/base/memory_file.h"
#include "neurond/daemon/client_setup.h"

namespace neuron {

CheckedConfig load_checked(const conf::LoadOptions& options, conf::Files& files,
                           Dates dates) {
    conf::LoadResult loaded = conf::load(options, files);
    CheckedConfig out;
    out.config = std::move(loaded.config);
    out.diagnostics = std::move(loaded.diagnostics);
    if (out.config == nullptr) {
        return out;
    }
    out.tls = make_tls(*out.config, files, dates, out.diagnostics);
    out.clients = make_clients(*out.config, files, out.diagnostics);
    if (out.diagnostics.has_errors()) {
        out.config.reset();
    }
    return out;
}

Result<conf::Bundle> read_bundle(const Fd& fd) {
    const Result<std::string> text = text_of_memfd(fd);
    if (!text) {
        return text.error();
    }
    return conf::parse_bundle(*text);
}

}  // namespace neuron
