#ifndef NEUROND_FRONT_PAGE_H
#define NEUROND_FRONT_PAGE_H

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "neurond/front/http_conn.h"

namespace neuron {

/// A path whose answer is there at once: health, metrics, the admin API.
class Page final : public HttpHandler {
  public:
    using Serve = std::function<HttpReply(const HttpRequest& request)>;

    /// `methods`: the ones it takes, as the Allow field names them ("GET, HEAD").
    Page(std::string methods, Serve serve)
        : methods_(std::move(methods)), serve_(std::move(serve)) {}

    std::optional<HttpReply> on_head(const HttpRequest& request) override;
    bool wants_json() const noexcept override { return false; }
    void on_request(HttpConn& conn, const HttpRequest& request) override;

  private:
    std::string methods_;
    Serve serve_;
};

/// The answer to a method a path does not take: 405, or 204 to OPTIONS, with Allow; and
/// 501 to a method HTTP does not know. Nothing when `method` is among `methods`.
std::optional<HttpReply> refuse_method(std::string_view method,
                                       std::string_view methods);

}  // namespace neuron

#endif
