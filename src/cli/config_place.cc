// Where the configuration and the running daemon are, when the command line does not say.

#include "neurond/cli/config_place.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "neurond/cli/options.h"
#include "neurond/conf/config.h"
#include "neurond/conf/files.h"
#include "neurond/daemon/paths.h"

namespace neuron {

namespace {

/// One that cannot be looked at counts as there: passing it over in silence would run
/// another configuration than the operator wrote.
bool may_exist(const std::string& path) {
    struct stat about;
    return ::stat(path.c_str(), &about) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

std::string run_dir_of(const conf::Config& config) {
    const std::string& given = config.section("server").str("run_dir");
    return given.empty() ? default_run_dir() : given;
}

/// The configuration of the command line or of the default places; both members are empty
/// when there is none, the second alone when it has errors.
struct Found {
    std::string path;
    std::shared_ptr<const conf::Config> config;
    std::string run_dir;  ///< that it names, errors or not
    std::string errors;
};

std::string named_run_dir(const conf::Config& draft) {
    const conf::Setting* setting = draft.section("server").find("run_dir");
    return setting == nullptr || setting->broken ? std::string() : setting->value.text;
}

Found find_and_load(const Options& options) {
    const Result<std::string> path = find_config(options.config_path, config_places());
    if (!path) {
        return {};
    }
    conf::RealFiles files;
    conf::LoadResult loaded = conf::load({*path, options.overrides}, files);
    return {*path, std::move(loaded.config), named_run_dir(*loaded.draft),
            loaded.diagnostics.to_string()};
}

/// `remedy` may be empty.
Error bad_config(const std::string& doing, const Found& found,
                 const std::string& remedy) {
    std::fputs(found.errors.c_str(), stderr);
    return {doing + ": " + found.path + " has errors" + remedy, kBadConfig};
}

}  // namespace

ConfigPlaces config_places() {
    ConfigPlaces places;
    if (::geteuid() == 0) {
        places.local.clear();
    }
    return places;
}

Result<std::string> find_config(const std::string& given, const ConfigPlaces& places) {
    if (!given.empty()) {
        return given;
    }
    if (may_exist(places.system)) {
        return places.system;
    }
    if (places.local.empty()) {
        return Error{"find configuration: there is no " + places.system +
                     "; name a file with -c"};
    }
    if (may_exist(places.local)) {
        return places.local;
    }
    return Error{"find configuration: there is neither " + places.system + " nor ./" +
                 places.local + "; name a file with -c"};
}

Result<std::string> find_control_socket(const Options& options) {
    if (!options.control_path.empty()) {
        return options.control_path;
    }
    const Found found = find_and_load(options);
    if (found.config != nullptr) {
        return control_socket_path(run_dir_of(*found.config));
    }
    const std::string fallback = control_socket_path(default_run_dir());
    if (found.path.empty()) {
        return fallback;
    }
    if (!found.run_dir.empty()) {
        // The operator may want to know what the daemon says about that very file.
        const std::string named = control_socket_path(found.run_dir);
        std::fprintf(stderr, "neurond: %s has errors (see neurond -t), asking %s\n",
                     found.path.c_str(), named.c_str());
        return named;
    }
    if (!options.config_path.empty()) {
        return bad_config("find the control socket", found,
                          "; name the socket with --control");
    }
    std::fprintf(stderr, "neurond: %s cannot be loaded (see neurond -t), trying %s\n",
                 found.path.c_str(), fallback.c_str());
    return fallback;
}

Result<std::string> find_state_dir(const Options& options) {
    const Found found = find_and_load(options);
    if (found.path.empty()) {
        return default_state_dir();
    }
    if (found.config == nullptr) {
        return bad_config("find the state directory", found, "");
    }
    const std::string& given = found.config->section("server").str("state_dir");
    return given.empty() ? default_state_dir() : given;
}

Result<std::vector<std::string>> find_local_sockets(const Options& options) {
    if (!options.socket_path.empty()) {
        return std::vector<std::string>{options.socket_path};
    }
    std::vector<std::string> out = {local_socket_path(default_run_dir())};
    if (const std::string machine = local_socket_path(kMachineRunDir);
        machine != out.front()) {
        out.push_back(machine);
    }
    const Found found = find_and_load(options);
    if (found.config == nullptr) {
        if (found.path.empty() || options.config_path.empty()) {
            return out;
        }
        return bad_config("find the socket", found, "; name the socket with --socket");
    }
    const conf::Section& server = found.config->section("server");
    if (server.str("socket") == "none") {
        return Error{"find the socket: " + found.path + " says socket = none"};
    }
    if (!server.str("socket").empty()) {
        out = {server.str("socket")};
    } else if (!server.str("run_dir").empty()) {
        out = {local_socket_path(server.str("run_dir"))};
    }
    return out;
}

}  // namespace neuron
