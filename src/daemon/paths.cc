// The places that are used when the configuration names none. The daemon and the verbs
// both ask here, so that a verb finds the daemon that the same user started.

#include "neurond/daemon/paths.h"

#include <unistd.h>

#include <climits>
#include <cstdlib>

#include "neurond/daemon/privileges.h"

namespace neuron {

namespace {

std::string in_working_directory(const char* name) {
    char buffer[PATH_MAX];
    if (::getcwd(buffer, sizeof buffer) == nullptr) {
        return std::string("./") + name;  // whoever uses it gets the honest error
    }
    const std::string here = buffer;
    return (here == "/" ? here : here + "/") + name;
}

/// The directory that a service manager has made for us (systemd.exec(5)): the first of
/// a list with colons. Empty where there is none.
std::string from_manager(const char* variable) {
    const char* given = ::getenv(variable);
    if (given == nullptr || given[0] != '/') {
        return {};
    }
    const std::string all = given;
    return all.substr(0, all.find(':'));
}

/// The variables of the service manager and of the user's session.
struct Variables {
    const char* manager;
    const char* session;
};

std::string place(const char* for_root, Variables variables, const char* fallback) {
    if (acts_for_root()) {
        return for_root;
    }
    if (std::string made = from_manager(variables.manager); !made.empty()) {
        return made;
    }
    const char* base = ::getenv(variables.session);
    if (base != nullptr && base[0] == '/') {
        return std::string(base) + "/neurond";
    }
    return in_working_directory(fallback);
}

}  // namespace

std::string default_run_dir() {
    return place(kMachineRunDir, {"RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"}, "run");
}

std::string default_state_dir() {
    return place("/var/lib/neurond", {"STATE_DIRECTORY", "XDG_STATE_HOME"}, "state");
}

std::string default_audit_path(const std::string& for_root,
                               const std::string& state_dir) {
    if (acts_for_root()) {
        return for_root;
    }
    const std::string logs = from_manager("LOGS_DIRECTORY");
    return (logs.empty() ? state_dir : logs) + "/audit.log";
}

std::string control_socket_path(const std::string& run_dir) {
    return run_dir + "/control.sock";
}

std::string local_socket_path(const std::string& run_dir) {
    return run_dir + "/neurond.sock";
}

}  // namespace neuron
