#ifndef NEUROND_CLI_TOOL_RESULT_H
#define NEUROND_CLI_TOOL_RESULT_H

#include <string>
#include <string_view>

namespace neuron {

/// The result of tools/call for people: text blocks as they are, one line for what is no
/// text, the structured content where there is no block. Ends in a newline unless empty.
std::string result_text(std::string_view result);

/// True if the tool says that it failed.
bool result_is_error(std::string_view result);

}  // namespace neuron

#endif
