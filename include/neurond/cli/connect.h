#ifndef NEUROND_CLI_CONNECT_H
#define NEUROND_CLI_CONNECT_H

#include <string>
#include <string_view>
#include <vector>

#include "neurond/base/clock.h"
#include "neurond/base/fd.h"
#include "neurond/base/result.h"

namespace neuron {

/// The line that chooses the view of a connection, with its line end. An empty `space` is
/// everything. front/link_client.h reads it.
std::string view_line(std::string_view names, std::string_view space);

/// Connects to the first of `paths` where a daemon answers, waiting up to `wait` for one
/// that is starting. After a second a note on stderr says so. Fails at once where waiting
/// would not help: the path may not be used, or is no socket.
Result<Fd> connect_waiting(const std::vector<std::string>& paths, Millis wait);

}  // namespace neuron

#endif
