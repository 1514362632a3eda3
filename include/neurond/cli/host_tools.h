#ifndef NEUROND_CLI_HOST_TOOLS_H
#define NEUROND_CLI_HOST_TOOLS_H

#include <string>
#include <string_view>
#include <utility>

#include "neurond/base/result.h"
#include "neurond/mcp/revision.h"
#include "neurond/wire/json_view.h"

namespace neuron {

/// A tool of the bundled server.
struct HostTool {
    const char* name;
    const char* title;
    const char* description;
    const char* input_schema;   ///< JSON
    const char* output_schema;  ///< JSON
    /// Answers with the text of a JSON object. `arguments` is an object, or absent; the
    /// error goes to the caller as it is. `root` stands in front of /proc and /etc.
    Result<std::string> (*call)(JsonView arguments, const std::string& root);
};

/// The bundled stdio MCP server (legacy revisions): facts about this host, nothing that
/// changes it. Transport is the caller's: a line in, a line out.
class HostTools {
  public:
    /// `root` is a directory to find proc/ and etc/ in; empty: the machine's.
    explicit HostTools(std::string root = {}) : root_(std::move(root)) {}

    /// The answer to one line, without its line end; empty if none is due. Never written:
    /// answers without id, which nobody could match; `complaint` says instead what was
    /// wrong.
    std::string handle(std::string_view line);
    /// Why the last line went unanswered, for a log; empty if all was well.
    const std::string& complaint() const noexcept { return complaint_; }

  private:
    std::string handle_one(std::string_view text);
    std::string handle_batch(std::string_view text);
    std::string answer(std::string_view method, std::string_view id, JsonView params);
    std::string initialize(std::string_view id, JsonView params);
    std::string list_tools(std::string_view id, JsonView params) const;
    std::string call_tool(std::string_view id, JsonView params) const;

    std::string root_;
    std::string complaint_;
    Revision revision_ = Revision::k20251125;
};

// The tools (host_system.cc, host_disks.cc, host_process.cc).
Result<std::string> call_system_info(JsonView arguments, const std::string& root);
Result<std::string> call_system_load(JsonView arguments, const std::string& root);
Result<std::string> call_system_memory(JsonView arguments, const std::string& root);
Result<std::string> call_system_disks(JsonView arguments, const std::string& root);
Result<std::string> call_process_list(JsonView arguments, const std::string& root);

}  // namespace neuron

#endif
