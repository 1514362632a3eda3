#ifndef NEUROND_MCP_INPUT_SHAPES_H
#define NEUROND_MCP_INPUT_SHAPES_H

// The texts of a round of questions where the client is asked by an answer and replies by
// calling again (2026-07-28, mcp-protocol 5.4). Pure.

#include <string>
#include <string_view>
#include <vector>

#include "neurond/mcp/client_caps.h"
#include "neurond/mcp/exchange.h"
#include "neurond/wire/json_view.h"

namespace neuron {

/// An `input_required` result. Of a legacy server's params what only its own hop
/// understands is left out: `task`, `elicitationId`, the progress token.
Slice write_input_required(const std::vector<Question>& questions,
                           std::string_view state);

/// What a client that declared `caps` would have to declare to be asked this: a
/// capabilities object. Empty: nothing is missing.
std::string missing_capabilities(const Question& question, ClientCaps caps);
/// The error for it (-32021).
OwnError missing_capability_error(std::string required, const std::string& server);

/// Whether `value` can be a client's bare reply to a question of this method.
bool is_reply_to(std::string_view method, const JsonView& value);

/// What a server gets where nobody is asked: a form is cancelled, a message not sampled,
/// and there are no roots.
InputReply reply_of_nobody(const Question& question);

/// What ends a call whose client did not give what its server cannot go on without: the
/// result of a tool says so, anything else fails with `why`.
Answer gave_up(CallKind kind, OwnError why);

/// The URLs that a 2025-11-25 server wants visited first (its error -32042), as questions.
/// None: `error` is another one.
std::vector<Question> read_url_elicitations(const Slice& error);

/// A digest of what makes two requests the same call: method, name, view and arguments,
/// blanks between tokens aside.
std::string call_digest(const CallRequest& request);

}  // namespace neuron

#endif
