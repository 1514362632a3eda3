#ifndef NEUROND_TESTS_UNIT_NET_HTTP_WORLD_H
#define NEUROND_TESTS_UNIT_NET_HTTP_WORLD_H

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "loop_world.h"
#include "neurond/base/text.h"
#include "neurond/net/address.h"
#include "neurond/net/http_target.h"
#include "neurond/net/resolver_cache.h"

namespace neuron {

/// A loop, a port on loopback, and a target that names it. What is accepted is spoken to
/// by hand.
struct HttpWorld {
    HttpWorld()
        : names(loop, [](const std::string&, auto) {}),
          listener(std::move(*listen_tcp(*Address::from_ip("127.0.0.1", 0)))) {
        const uint16_t port = Address::local_of(listener.get()).port();
        target.server = "a";
        target.url = std::move(
            *parse_url("http://127.0.0.1:" + std::to_string(port) + "/mcp?x=1"));
    }

    template <typename Done>
    bool until(Done done) {
        return turn_until(loop, done);
    }
    /// The next connection.
    Fd accept() {
        Fd fd;
        CHECK(until([&] {
            if (!fd) {
                fd.reset(::accept4(listener.get(), nullptr, nullptr,
                                   SOCK_NONBLOCK | SOCK_CLOEXEC));
            }
            return static_cast<bool>(fd);
        }));
        return fd;
    }
    /// Whether nobody connects within a few turns.
    bool nobody_connects() {
        for (int i = 0; i < 5; ++i) {
            loop.turn(Millis{2});
        }
        return ::accept4(listener.get(), nullptr, nullptr, 0) < 0;
    }
    /// The next request on a connection, head and body.
    std::string request(const Fd& fd) {
        std::string text;
        CHECK(until([&] {
            text += take(fd);
            return is_whole(text);
        }));
        return text;
    }
    bool closed(const Fd& fd) {
        char byte = 0;
        return until([&] { return ::recv(fd.get(), &byte, 1, 0) == 0; });
    }

    EventLoop loop;
    ResolverCache names;
    Fd listener;
    HttpTarget target;

  private:
    static bool is_whole(const std::string& text) {
        const size_t end = text.find("\r\n\r\n");
        if (end == std::string::npos) {
            return false;
        }
        constexpr std::string_view kLength = "Content-Length: ";
        const size_t at = text.find(kLength);
        const size_t digits = at + kLength.size();
        const size_t body =
            at > end ? 0
                     : parse_u64(std::string_view(text).substr(
                                     digits, text.find('\r', at) - digits))
                           .value_or(0);
        return text.size() >= end + 4 + body;
    }
};

inline std::string response(const std::string& status, const std::string& fields,
                            const std::string& body) {
    return "HTTP/1.1 " + status + "\r\n" + fields +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

inline std::string json_response(const std::string& body) {
    return response("200 OK", "Content-Type: application/json\r\n", body);
}

}  // namespace neuron

#endif
