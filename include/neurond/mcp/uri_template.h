#ifndef NEUROND_MCP_URI_TEMPLATE_H
#define NEUROND_MCP_URI_TEMPLATE_H

#include <string_view>

namespace neuron {

/// Whether `uri` can come from the RFC 6570 template (levels 1 to 3). Names of variables
/// and their values do not matter. A template that is not well formed matches nothing.
/// Takes at most length times length steps.
bool template_matches(std::string_view uri_template, std::string_view uri);

}  // namespace neuron

#endif
