#ifndef NEUROND_NET_HTTP_EXCHANGE_H
#define NEUROND_NET_HTTP_EXCHANGE_H

#include <string>
#include <string_view>

#include "neurond/base/out_queue.h"
#include "neurond/wire/http_head.h"

namespace neuron {

/// Why a request got no whole response.
struct HttpFailure {
    enum class Kind {
        kUnreachable,  ///< there was no connection
        kLost,         ///< the connection ended first
        kProtocol,     ///< what came is not HTTP/1.1 as we read it
    };
    Kind kind = Kind::kLost;
    bool sent = true;  ///< false: no byte of the request has left us
    std::string why;
};

/// Gets the response to one request. Callbacks come from the loop; the last one is
/// on_complete() or on_failed(), unless the exchange is cancelled first.
class HttpExchange {
  public:
    /// The final head; interim ones are skipped. Views are valid during the call.
    virtual void on_response(const ResponseHead& head) = 0;
    /// Content as it comes, out of its framing.
    virtual void on_content(std::string_view bytes) = 0;
    virtual void on_complete() = 0;
    virtual void on_failed(const HttpFailure& failure) = 0;

  protected:
    ~HttpExchange() = default;
};

/// A request on its way to a connection.
struct HttpJob {
    OutQueue bytes;  ///< head and body, whole
    HttpExchange* exchange = nullptr;
    /// May be sent again when a kept connection turns out to be dead, even if some of it
    /// had been sent: it changes nothing (RFC 9110 section 9.2.2).
    bool safe = false;
    /// Goes before what waits, and has a few connections in reserve: what a server or a
    /// caller must not wait for behind the calls of others.
    bool urgent = false;
    bool repeated = false;  ///< the pool's note to itself
};

}  // namespace neuron

#endif
