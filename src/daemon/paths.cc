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

std::string place(const char* for_root, const char* variable, const char* fallback) {
    if (acts_for_root()) {
        return for_root;
    }
    const char* base = ::getenv(variable);
    if (base != nullptr && base[0] == '/') {
        return std::string(base) + "/neurond";
    }
    return in_working_directory(fallback);
}

}  // namespace

std::string default_run_dir() {
    return place(kMachineRunDir, "XDG_RUNTIME_DIR", "run");
}

std::string default_state_dir() {
    return place("/var/lib/neurond", "XDG_STATE_HOME", "state");
}

std::string control_socket_path(const std::string& run_dir) {
    return run_dir + "/control.sock";
}

std::string local_socket_path(const std::string& run_dir) {
    return run_dir + "/neurond.sock";
}

}  // namespace neuron
