#ifndef NEUROND_BASE_MEMORY_FILE_H
#define NEUROND_BASE_MEMORY_FILE_H

#include <string>
#include <string_view>

#include "neurond/base/fd.h"
#include "neurond/base/result.h"

namespace neuron {

/// A text in a memfd, to be handed to another process: one that is too long for a message.
Result<Fd> text_to_memfd(const char* name, std::string_view text);
/// All of it; the descriptor stays as it is, to be read again.
Result<std::string> text_of_memfd(const Fd& fd);

}  // namespace neuron

#endif
