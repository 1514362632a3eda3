#ifndef NEUROND_MCP_URI_FORM_H
#define NEUROND_MCP_URI_FORM_H

#include <string>
#include <string_view>

namespace neuron {

/// Whether a server might read `uri` as another one than stands there; plain_uri() says
/// which. False for nearly all, and cheap.
bool has_other_form(std::string_view uri) noexcept;

/// The form that all spellings of one URI have in common, for comparing only: %XX decoded,
/// as often as there are some (RFC 3986, 6.2.2), scheme and host in lower case, `\` as `/`,
/// dot segments resolved, without blanks around it, tabs and line ends inside it (as the
/// URL standard reads them) and fragment.
std::string plain_uri(std::string_view uri);

}  // namespace neuron

#endif
