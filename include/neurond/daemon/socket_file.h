#ifndef NEUROND_DAEMON_SOCKET_FILE_H
#define NEUROND_DAEMON_SOCKET_FILE_H

#include <sys/stat.h>

#include <optional>
#include <string>

#include "neurond/base/fd.h"
#include "neurond/base/file_owner.h"
#include "neurond/base/result.h"

namespace neuron {

/// A listening Unix socket and its file, which goes with it: unless somebody has put
/// another one in its place meanwhile.
class SocketFile {
  public:
    SocketFile() = default;
    SocketFile(SocketFile&& other) noexcept { *this = std::move(other); }
    SocketFile& operator=(SocketFile&& other) noexcept;
    ~SocketFile() { remove(); }

    /// A file nobody listens on is replaced; a live one is an error. `group` as the
    /// configuration names it; empty = the owner's. No owner: ours.
    Status open(const std::string& path, mode_t mode, const std::string& group,
                const std::optional<FileOwner>& owner = {});
    /// Closes the socket and removes the file.
    void remove();

    int get() const noexcept { return fd_.get(); }
    explicit operator bool() const noexcept { return static_cast<bool>(fd_); }

  private:
    Fd fd_;
    std::string path_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

}  // namespace neuron

#endif
