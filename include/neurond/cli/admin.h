#ifndef NEUROND_CLI_ADMIN_H
#define NEUROND_CLI_ADMIN_H

#include <string>
#include <string_view>

#include "neurond/base/result.h"
#include "neurond/cli/control_client.h"
#include "neurond/wire/json_view.h"

namespace neuron {

struct Options;

/// A client of the daemon the options mean. Nothing is connected yet.
Result<ControlClient> admin_client(const Options& options);

/// The JSON that GET of an admin path answers with status 200, checked. Any other answer
/// is an error, in the daemon's own words where it has some.
Result<std::string> admin_get(ControlClient& client, const std::string& path);

/// The JSON that POST to an admin path answers with status 200 or 202; errors as above.
Result<std::string> admin_post(ControlClient& client, const std::string& path);

/// Why the daemon refused: {"error": "…"}, {"error": {"message": "…"}}, {"message": "…"},
/// {"status": "…"}, or else the status of HTTP.
std::string refusal_text(const ControlReply& reply);

/// "neurond: MESSAGE" on stderr; returns kExitFailed, or kExitConfig for an error of
/// config_place.h in a configuration.
int fail(const Error& error);

// What tables show of a JSON value: decoded text or raw number; empty for null or none.
std::string cell(JsonView object, std::string_view key);
/// The same for seconds, in words.
std::string duration_cell(JsonView object, std::string_view key);

// The texts of the listing verbs, from the daemon's JSON. `width` as Table has it.
std::string status_text(JsonView status);
/// In the grammar of configurations.
std::string config_text(JsonView settings);
std::string servers_text(JsonView servers, size_t width);
std::string server_text(JsonView server);
std::string history_text(JsonView history, size_t width);
/// Line by line, for a terminal.
std::string logs_text(JsonView lines);
std::string tools_text(JsonView tools, size_t width);
/// The elements whose name `glob` matches, as a JSON array; their bytes stay as they are.
std::string filter_tools(JsonView tools, std::string_view glob);

}  // namespace neuron

#endif
