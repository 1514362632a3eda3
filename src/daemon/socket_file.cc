// The files of Unix sockets. A daemon that ends takes its own away and nobody else's.

#include "neurond/daemon/socket_file.h"

#include <unistd.h>

#include <optional>
#include <utility>

#include "neurond/conf/files.h"
#include "neurond/net/address.h"

namespace neuron {

SocketFile& SocketFile::operator=(SocketFile&& other) noexcept {
    if (this != &other) {
        remove();
        fd_ = std::move(other.fd_);
        path_ = std::exchange(other.path_, {});
        device_ = other.device_;
        inode_ = other.inode_;
    }
    return *this;
}

Status SocketFile::open(const std::string& path, mode_t mode,
                        const std::string& group,
                        const std::optional<FileOwner>& owner) {
    const Result<Address> address = Address::from_unix_path(path);
    if (!address) {
        return address.error();
    }
    std::optional<gid_t> gid;
    std::optional<uid_t> uid;
    if (owner) {
        gid = owner->gid;
        uid = owner->uid;
    }
    if (!group.empty()) {
        const Result<uint32_t> id = conf::group_id(group);
        if (!id) {
            return id.error();
        }
        gid = *id;
    }
    Result<Fd> fd = listen_unix(*address, mode, gid, uid);
    if (!fd) {
        return fd.error();
    }
    struct stat about {};
    if (::lstat(path.c_str(), &about) != 0) {
        return sys_error("stat", path);
    }
    remove();
    fd_ = std::move(*fd);
    path_ = path;
    device_ = about.st_dev;
    inode_ = about.st_ino;
    return Ok{};
}

void SocketFile::remove() {
    struct stat about {};
    if (fd_ && ::lstat(path_.c_str(), &about) == 0 && about.st_dev == device_ &&
        about.st_ino == inode_) {
        ::unlink(path_.c_str());
    }
    fd_.reset();
}

}  // namespace neuron
