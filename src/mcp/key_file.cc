// Keys that neurond makes for itself and must find again at the next start.

#include "neurond/mcp/key_file.h"

#include <sys/stat.h>

#include <cerrno>

#include "neurond/base/atomic_file.h"
#include "neurond/base/crypto.h"

namespace neuron {

Result<std::string> load_or_create_key(const std::string& path, size_t bytes,
                                       const char* remedy) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0 && errno == ENOENT) {
        std::string key = random_bytes(bytes);
        if (Status written = write_file_atomically(path, key, 0600); !written) {
            return written.error();
        }
        return key;
    }
    Result<std::string> key = read_file(path, bytes + 1);
    if (key && key->size() != bytes) {
        return Error{"read " + path + ": expected " + std::to_string(bytes) +
                         " bytes; " + remedy,
                     0};
    }
    return key;
}

}  // namespace neuron
