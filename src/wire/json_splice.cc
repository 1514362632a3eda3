// What a proxy changes in a message it passes on, and nothing else: the text goes out in
// slices with the changes between them.
#include "neurond/wire/json_splice.h"

#include <cassert>

#include "neurond/wire/json_write.h"

namespace neuron {

void splice(OutQueue& out, const Slice& text, Span part,
            const std::vector<Edit>& sorted_edits) {
    assert(part.begin <= part.end && part.end <= text.size);
    const auto pass = [&](size_t begin, size_t end) {
        if (begin != end) {
            out.append(text.part(Span{begin, end}.in(text.view())));
        }
    };
    size_t at = part.begin;
    for (const Edit& edit : sorted_edits) {
        assert(at <= edit.where.begin && edit.where.begin <= edit.where.end);
        pass(at, edit.where.begin);
        out.write(edit.with);
        at = edit.where.end;
    }
    assert(at <= part.end);
    pass(at, part.end);
}

void splice(OutQueue& out, const Slice& text, const std::vector<Edit>& sorted_edits) {
    splice(out, text, Span{0, text.size}, sorted_edits);
}

Span front_of_object(Span object) noexcept {
    return {object.begin + 1, object.begin + 1};
}

std::string member_text(std::string_view key, std::string_view raw_value,
                        bool member_follows) {
    std::string text = json_quote(key);
    text.append(":").append(raw_value).append(member_follows ? "," : "");
    return text;
}

void remove_members(std::vector<Edit>& edits, const JsonMembers& members,
                    const std::vector<size_t>& gone) {
    // Neighbours go together, so that no two edits meet. The first members of an object
    // take the comma behind them along, all others the one in front.
    for (size_t i = 0; i < gone.size();) {
        const size_t first = gone[i];
        size_t last = first;
        for (++i; i < gone.size() && gone[i] == last + 1; ++i) {
            ++last;
        }
        assert(last < members.size());
        Span where{members[first].key.begin, members[last].value.end};
        if (first > 0) {
            where.begin = members[first - 1].value.end;
        } else if (last + 1 < members.size()) {
            where.end = members[last + 1].key.begin;
        }
        edits.push_back({where, {}});
    }
}

void remove_members(std::vector<Edit>& edits, std::string_view text,
                    const JsonView& object,
                    const std::function<bool(const JsonView& key)>& gone) {
    const auto span = [text](const JsonView& part) {
        const auto begin = static_cast<size_t>(part.raw().data() - text.data());
        return Span{begin, begin + part.raw().size()};
    };
    JsonMembers members;
    std::vector<size_t> indexes;
    for (const JsonPair& member : object.members()) {
        if (gone(member.key)) {
            indexes.push_back(members.size());
        }
        members.push_back({span(member.key), span(member.value)});
    }
    remove_members(edits, members, indexes);
}

void blank_line_breaks(char* text, size_t size) noexcept {
    for (char* const end = text + size; text != end; ++text) {
        if (*text == '\n' || *text == '\r') {
            *text = ' ';
        }
    }
}

}  // namespace neuron
