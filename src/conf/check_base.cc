// What the checks of all sections share.

#include "neurond/conf/check_base.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>

#include "neurond/base/secrets.h"
#include "neurond/base/text.h"
#include "neurond/conf/value.h"

namespace neuron::conf {

void CheckBase::ordered(const Section& section, const char* small, const char* large) {
    if (!good(section, small) || !good(section, large) ||
        section.duration(small) <= section.duration(large)) {
        return;
    }
    // Blame the one that was written.
    const char* key = section.is_set(small) ? small : large;
    error(section, key,
          std::string(small) + " is longer than " + large + ", expected at most " +
              write_number(Type::kDuration, section.duration(large).count()));
}

bool consists_of(std::string_view text, std::initializer_list<std::string_view> sets) {
    return std::all_of(text.begin(), text.end(), [&sets](char c) {
        return std::any_of(sets.begin(), sets.end(), [c](std::string_view set) {
            return set.find(c) != set.npos;
        });
    });
}

std::string quote(std::string_view text) {
    return '"' + escape(mask_secrets(text), 80) + '"';
}

bool is_address(const std::string& text) {
    unsigned char bytes[sizeof(in6_addr)] = {};
    return ::inet_pton(AF_INET, text.c_str(), bytes) == 1 ||
           ::inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

bool is_loopback(std::string_view address) {
    const std::string text(address);
    in_addr v4 = {};
    if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) {
        return ntohl(v4.s_addr) >> 24 == 127;
    }
    in6_addr v6 = {};
    if (::inet_pton(AF_INET6, text.c_str(), &v6) != 1) {
        return false;
    }
    const bool mapped = IN6_IS_ADDR_V4MAPPED(&v6);
    return (mapped && v6.s6_addr[12] == 127) || IN6_IS_ADDR_LOOPBACK(&v6);
}

}  // namespace neuron::conf
