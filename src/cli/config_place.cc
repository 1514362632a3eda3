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

Error bad_config(const std::string& doing, const std::string& path,
                 const conf::LoadResult& loaded, const std::string& option) {
    std::fputs(loaded.diagnostics.to_string().c_str(), stderr);
    return {doing + ": " + path + " has errors; name the socket with " + option,
            kBadConfig};
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
    const Result<std::string> path = find_config(options.config_path, config_places());
    if (!path) {
        return control_socket_path(default_run_dir());
    }
    conf::RealFiles files;
    const conf::LoadResult loaded = conf::load({*path, options.overrides}, files);
    if (loaded.config != nullptr) {
        return control_socket_path(run_dir_of(*loaded.config));
    }
    if (!options.config_path.empty()) {
        return bad_config("find the control socket", *path, loaded, "--control");
    }
    const std::string fallback = control_socket_path(default_run_dir());
    std::fprintf(stderr, "neurond: %s cannot be loaded (see neurond -t), trying %s\n",
                 path->c_str(), fallback.c_str());
    return fallback;
}

Result<std::string> find_state_dir(const Options& options) {
    const Result<std::string> path = find_config(options.config_path, config_places());
    if (!path) {
        return default_state_dir();
    }
    conf::RealFiles files;
    const conf::LoadResult loaded = conf::load({*path, options.overrides}, files);
    if (loaded.config == nullptr) {
        std::fputs(loaded.diagnostics.to_string().c_str(), stderr);
        return Error{"find the state directory: " + *path + " has errors"};
    }
    const std::string& given = loaded.config->section("server").str("state_dir");
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
    const Result<std::string> path = find_config(options.config_path, config_places());
    if (!path) {
        return out;
    }
    conf::RealFiles files;
    const conf::LoadResult loaded = conf::load({*path, options.overrides}, files);
    if (loaded.config == nullptr) {
        if (options.config_path.empty()) {
            return out;
        }
        return bad_config("find the socket", *path, loaded, "--socket");
    }
    const conf::Section& server = loaded.config->section("server");
    if (server.str("socket") == "none") {
        return Error{"find the socket: " + *path + " says socket = none"};
    }
    if (!server.str("socket").empty()) {
        out = {server.str("socket")};
    } else if (!server.str("run_dir").empty()) {
        out = {local_socket_path(server.str("run_dir"))};
    }
    return out;
}

}  // namespace neuron
