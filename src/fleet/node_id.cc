// The name of a node among its kin must outlive restarts, new addresses and new host
// names.

#include "neurond/fleet/node_id.h"

#include <sys/stat.h>

#include <cerrno>
#include <cctype>

#include "neurond/base/atomic_file.h"
#include "neurond/base/crypto.h"
#include "neurond/base/text.h"

namespace neuron {

namespace {

constexpr size_t kMaxFileBytes = 128;
constexpr std::string_view kShape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

bool is_uuid(std::string_view text) {
    if (text.size() != kShape.size()) {
        return false;
    }
    for (size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (kShape[i] == '-' ? c != '-' : std::isxdigit(c) == 0) {
            return false;
        }
    }
    return true;
}

}  // namespace

Result<std::string> load_or_create_node_id(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0 && errno == ENOENT) {
        std::string id = uuid_v4();
        if (Status written = write_file_atomically(path, id + "\n", 0644); !written) {
            return written.error();
        }
        return id;
    }
    const Result<std::string> text = read_file(path, kMaxFileBytes);
    if (!text) {
        return text.error();
    }
    const std::string_view id = trim(*text, " \t\r\n");
    if (!is_uuid(id)) {
        return Error{"read " + path +
                     ": expected a UUID; restore it, or remove it to become another node"};
    }
    return to_lower(id);
}

}  // namespace neuron
