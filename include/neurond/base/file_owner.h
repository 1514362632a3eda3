#ifndef NEUROND_BASE_FILE_OWNER_H
#define NEUROND_BASE_FILE_OWNER_H

#include <sys/types.h>

#include <optional>
#include <string>

#include "neurond/base/fd.h"
#include "neurond/base/result.h"

namespace neuron {

/// To whom root gives what it makes for a process that is not root.
struct FileOwner {
    uid_t uid = 0;
    gid_t gid = 0;
};

/// Opens a file to append to (never waiting, for it may be a FIFO). One that was not there
/// is made with `mode` and, if there is an owner, belongs to them; one that was there
/// stays whose it is.
Result<Fd> open_to_append(const std::string& path, mode_t mode,
                          const std::optional<FileOwner>& owner = {});

}  // namespace neuron

#endif
