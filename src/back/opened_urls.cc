// Servers of 2025-11-25 tell of a URL that has done its work by an id alone; it must not
// reach another session than the one that was asked to open it.

#include "neurond/back/opened_urls.h"

#include <algorithm>

#include "neurond/wire/json_view.h"

namespace neuron {

namespace {

constexpr size_t kMaxOpenedUrls = 256;
constexpr std::string_view kId = "elicitationId";

}  // namespace

void OpenedUrls::add(std::string id, const std::string& party) {
    if (id.empty()) {
        return;
    }
    parties_.emplace_back(std::move(id), party);
    if (parties_.size() > kMaxOpenedUrls) {
        parties_.pop_front();
    }
}

void OpenedUrls::asked(std::string_view params, const std::string& party) {
    const JsonView view(params);
    if (view.find("mode").is_string("url")) {
        add(view.find(kId).as_string().value_or(""), party);
    }
}

void OpenedUrls::refused(std::string_view error, const std::string& party) {
    const JsonView view(error);
    if (view.find("code").raw() != "-32042") {
        return;
    }
    for (const JsonView each : view.find("data").find("elicitations").elements()) {
        add(each.find(kId).as_string().value_or(""), party);
    }
}

std::string OpenedUrls::take(std::string_view params) {
    const std::string id = JsonView(params).find(kId).as_string().value_or("");
    const auto found = std::find_if(parties_.begin(), parties_.end(),
                                    [&id](const auto& each) { return each.first == id; });
    if (found == parties_.end()) {
        return {};
    }
    std::string party = std::move(found->second);
    parties_.erase(found);
    return party;
}

}  // namespace neuron
