#ifndef NEUROND_BASE_ATOMIC_FILE_H
#define NEUROND_BASE_ATOMIC_FILE_H

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "neurond/base/result.h"

namespace neuron {

// All of these block on the disk: for start, for helpers, for tests.

/// Replaces `path` by a file of `content` with exactly `mode`: readers see the old one or
/// the new one, whole, also after a power failure. The temporary lies in the same
/// directory. After an error the old file is untouched and the temporary gone; only
/// "sync directory of" means that the new file is there but perhaps not durable.
Status write_file_atomically(const std::string& path, std::string_view content,
                             mode_t mode);

/// The content of a regular file (links are followed). A file of more than `max_bytes`,
/// a directory, a device, a FIFO is an error; none of them blocks.
Result<std::string> read_file(const std::string& path, size_t max_bytes);

/// Makes `path` and the parents it lacks, each with `mode` less the umask. A directory
/// that is there stays as it is.
Status make_directories(const std::string& path, mode_t mode);

}  // namespace neuron

#endif
