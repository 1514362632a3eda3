// What the single letters print: -t, -T and -V. None of them writes anything, and none
// starts anything but -t --probe.

#include "neurond/cli/verbs.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>

#include "neurond/base/crypto.h"
#include "neurond/base/log.h"
#include "neurond/base/version.h"
#include "neurond/cli/config_place.h"
#include "neurond/cli/options.h"
#include "neurond/cli/table.h"
#include "neurond/conf/config.h"
#include "neurond/conf/dump.h"
#include "neurond/conf/files.h"
#include "neurond/daemon/checked_config.h"
#include "neurond/daemon/config_source.h"
#include "neurond/daemon/probe.h"
#include "neurond/mcp/revision.h"
#include "neurond/wire/json_doc.h"
#include "neurond/wire/json_write.h"

namespace neuron {

namespace {

struct Loaded {
    std::string path;
    CheckedConfig checked;
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
    return Loaded{*path, std::move(loaded)};
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

namespace {

void print_rows(const std::vector<ProbeRow>& rows) {
    Table table({{"NAME"},
                 {"STATE"},
                 {"REVISION"},
                 {"TOOLS", Table::Align::kRight},
                 {"PROMPTS", Table::Align::kRight},
                 {"RESOURCES", Table::Align::kRight},
                 {"MS", Table::Align::kRight},
                 {"ERROR"}});
    for (const ProbeRow& row : rows) {
        table.add({row.name, row.state, row.revision, std::to_string(row.tools),
                   std::to_string(row.prompts), std::to_string(row.resources),
                   std::to_string(row.took.count()), row.error});
    }
    std::fputs(table.to_string(terminal_width(), terminal_has_colours()).c_str(), stdout);
}

void print_rows_json(const std::vector<ProbeRow>& rows) {
    JsonWriter w;
    w.begin_array();
    for (const ProbeRow& row : rows) {
        w.begin_object().key("name").string(row.name);
        w.key("state").string(row.state).key("revision").string(row.revision);
        w.key("tools").unsigned_integer(row.tools);
        w.key("prompts").unsigned_integer(row.prompts);
        w.key("resources").unsigned_integer(row.resources);
        w.key("ms").integer(row.took.count()).key("error").string(row.error);
        w.end_object();
    }
    std::printf("%s\n", w.end_array().take().c_str());
}

}  // namespace

int run_probe(const Options& options) {
    const std::optional<Loaded> loaded = load_config(options);
    if (!loaded) {
        return kExitConfig;
    }
    // What goes wrong stands in the table.
    log_configure(options.verbose ? LogLevel::kDebug : LogLevel::kCritical,
                  LogFormat::kText);
    const bool shown = ::isatty(STDERR_FILENO) != 0;
    const std::vector<ProbeRow> rows =
        probe_downstreams(loaded->checked, [shown](const ProbeRow& row) {
            if (shown) {
                std::fprintf(stderr, "%s: %s\n", row.name.c_str(), row.state.c_str());
            }
        });
    const size_t all = loaded->checked.config->sections("downstream").size();
    if (options.json) {
        print_rows_json(rows);
    } else if (all == 0) {
        std::puts("No downstreams configured.");
    } else {
        print_rows(rows);
    }
    const bool good = rows.size() == all &&
                      std::all_of(rows.begin(), rows.end(),
                                  [](const ProbeRow& row) { return row.good; });
    return good ? kExitDone : kExitFailed;
}

int run_dump_config(const Options& options) {
    const std::optional<Loaded> loaded = load_config(options);
    if (!loaded) {
        return kExitConfig;
    }
    const conf::Config& config = *loaded->checked.config;
    if (options.json) {
        std::puts(settings_json(conf::settings_in_force(config, config)).c_str());
    } else {
        std::fputs(conf::dump(config).c_str(), stdout);
    }
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
