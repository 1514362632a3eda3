// `neurond call`: one tool, from a shell.

#include "neurond/cli/verbs.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>

#include "neurond/base/limits.h"
#include "neurond/cli/admin.h"
#include "neurond/cli/mcp_client.h"
#include "neurond/cli/options.h"
#include "neurond/cli/table.h"
#include "neurond/cli/tool_result.h"
#include "neurond/wire/json_scan.h"

namespace neuron {

namespace {

constexpr unsigned kMaxDepth = 1000;

Result<std::string> read_stdin() {
    std::string text;
    char buffer[64 * 1024];
    for (;;) {
        const ssize_t n = ::read(STDIN_FILENO, buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return sys_error("read", "stdin");
        }
        if (n == 0) {
            return text;
        }
        text.append(buffer, static_cast<size_t>(n));
        if (text.size() > kMaxControlReplyBytes) {
            return Error{"read stdin: too large"};
        }
    }
}

Result<std::string> read_arguments(const Options& options) {
    if (options.args.size() < 2) {
        return std::string("{}");
    }
    Result<std::string> text =
        options.args[1] == "-" ? read_stdin() : Result<std::string>(options.args[1]);
    if (!text) {
        return text;
    }
    JsonScanner scanner(kMaxDepth);
    if (scanner.finish(*text) != Scan::kDone) {
        return Error{"arguments are not JSON: " + scanner.message()};
    }
    if (scanner.root() != JsonScanner::Root::kObject) {
        return Error{"arguments are not a JSON object"};
    }
    return text;
}

/// For a terminal without what could steer it; for a program as it is.
void print_text(FILE* out, const std::string& text) {
    const bool terminal = ::isatty(::fileno(out)) != 0;
    const std::string shown = terminal ? printable(text) : text;
    std::fwrite(shown.data(), 1, shown.size(), out);
}

int print_result(const Options& options, const std::string& result) {
    const bool is_error = result_is_error(result);
    if (options.json) {
        std::fwrite(result.data(), 1, result.size(), stdout);
        std::fputc('\n', stdout);
    } else {
        print_text(is_error ? stderr : stdout, result_text(result));
    }
    return is_error ? kExitFailed : kExitDone;
}

}  // namespace

int run_call(const Options& options) {
    const Result<std::string> arguments = read_arguments(options);
    if (!arguments) {
        fail(arguments.error());
        return kExitUsage;
    }
    Result<ControlClient> http = admin_client(options);
    if (!http) {
        return fail(http.error());
    }
    McpClient mcp(*http);
    if (const Status opened = mcp.open(); !opened) {
        return fail(opened.error());
    }
    const Result<std::string> result = mcp.call_tool(options.args[0], *arguments);
    if (!result) {
        return fail(Error{"call " + options.args[0] + ": " + result.error().message});
    }
    return print_result(options, *result);
}

}  // namespace neuron
