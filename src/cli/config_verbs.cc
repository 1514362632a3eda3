// What the single letters print: -t, -T and -V. None of them starts or writes anything.

#include "neurond/cli/verbs.h"

#include <cstdio>
#include <optional>
#include <string>

#include "neurond/base/crypto.h"
#include "neurond/base/version.h"
#include "neurond/cli/config_place.h"
#include "neurond/cli/options.h"
#include "neurond/conf/config.h"
#include "neurond/conf/dump.h"
#include "neurond/conf/files.h"
#include "neurond/daemon/checked_config.h"
#include "neurond/mcp/revision.h"
#include "neurond/wire/json_doc.h"

namespace neuron {

namespace {

struct Loaded {
    std::string path;
    std::shared_ptr<const conf::Config> config;
};

/// Loads what the options name, with everything that is to be said about it on stderr.
std::optional<Loaded> load_config(const Options& options) {
    const Result<std::string> path = find_config(options.config_path, config_places());
    if (!path) {
        std::fprintf(stderr, "neurond: %s\n", path.error().message.c_str());
        return std::nullopt;
    }
    conf::RealFiles files;
    CheckedConfig loaded =
        load_checked({*path, options.overrides}, files, Dates::kJudge);
    std::fputs(loaded.diagnostics.to_string().c_str(), stderr);
    if (loaded.config == nullptr) {
        return std::nullopt;
    }
    return Loaded{*path, std::move(loaded.config)};
}

}  // namespace

int run_check_config(const Options& options) {
    const std::optional<Loaded> loaded = load_config(options);
    if (!loaded) {
        return kExitConfig;
    }
    std::printf("configuration OK (%s)\n", loaded->path.c_str());
    return kExitDone;
}

int run_dump_config(const Options& options) {
    const std::optional<Loaded> loaded = load_config(options);
    if (!loaded) {
        return kExitConfig;
    }
    std::fputs(conf::dump(*loaded->config).c_str(), stdout);
    return kExitDone;
}

int run_version() {
    std::printf("neurond %s\n%s\ncJSON %s\nMCP", kVersion, openssl_version(),
                cjson_version());
    for (const Revision revision : kRevisions) {
        if (is_legacy(revision)) {  // what the doors speak
            std::printf(" %s", to_string(revision));
        }
    }
    std::puts("");
    return kExitDone;
}

}  // namespace neuron
