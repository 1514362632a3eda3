#ifndef NEUROND_MCP_VIEW_H
#define NEUROND_MCP_VIEW_H

#include <string>
#include <string_view>

namespace neuron {

/// Which part of the catalog a client sees, and under which names (DESIGN 1.5).
struct View {
    std::string space;    ///< one downstream alone, names without prefix; empty = all
    bool strict = false;  ///< names in [A-Za-z0-9_-]{1,64}

    friend bool operator<(const View& a, const View& b) {
        return a.strict != b.strict ? a.strict < b.strict : a.space < b.space;
    }
    friend bool operator==(const View& a, const View& b) {
        return a.strict == b.strict && a.space == b.space;
    }
};

/// `name` in the characters and the length model APIs take: others become '_', a long one
/// ends in a hash of the whole. Not reversible: keep a map. `distinct` adds the hash in
/// any case, for a name whose plain strict form is taken.
std::string strict_name(std::string_view name, bool distinct);

}  // namespace neuron

#endif
