#include <doctest/doctest.h>

#include <optional>
#include <vector>

#include "neurond/base/handle.h"

using namespace neuron;

TEST_CASE("a default handle finds nothing, also in a table with objects") {
    HandleTable<int> table;
    int object = 1;
    table.add(object);
    CHECK(table.find(Handle<int>()) == nullptr);
    CHECK_FALSE(static_cast<bool>(Handle<int>()));
}

TEST_CASE("a handle finds its object until that is removed") {
    HandleTable<int> table;
    int object = 1;
    const Handle<int> handle = table.add(object);
    CHECK(table.find(handle) == &object);
    CHECK(table.size() == 1);
    table.remove(handle);
    CHECK(table.find(handle) == nullptr);
    CHECK(table.size() == 0);
    table.remove(handle);  // again: nothing happens
    CHECK(table.size() == 0);
}

TEST_CASE("an old handle does not find who got its slot") {
    HandleTable<int> table;
    int first = 1;
    int second = 2;
    const Handle<int> old = table.add(first);
    table.remove(old);
    const Handle<int> fresh = table.add(second);
    CHECK(fresh.slot == old.slot);
    CHECK(fresh != old);
    CHECK(table.find(old) == nullptr);
    CHECK(table.find(fresh) == &second);
    table.remove(old);  // must not remove the successor
    CHECK(table.find(fresh) == &second);
}

TEST_CASE("a handle of another table beyond the end finds nothing") {
    HandleTable<int> table;
    CHECK(table.find(Handle<int>{7, 1}) == nullptr);
}

TEST_CASE("for_each sees all, and its function may remove any and add some") {
    HandleTable<int> table;
    std::vector<int> objects = {0, 1, 2, 3};
    std::vector<Handle<int>> handles;
    for (int& object : objects) {
        handles.push_back(table.add(object));
    }
    int late = 9;
    std::vector<int> seen;
    table.for_each([&](int& object) {
        seen.push_back(object);
        if (object == 1) {
            table.remove(handles[0]);  // one before
            table.remove(handles[1]);  // itself
            table.remove(handles[2]);  // one to come
            table.add(late);
        }
    });
    CHECK(seen.size() >= 3);
    CHECK(seen[0] == 0);
    CHECK(seen[1] == 1);
    CHECK(table.size() == 2);
}

TEST_CASE("a registration ends with its member") {
    struct Node {
        explicit Node(HandleTable<Node>& table) : registration(table, *this) {}
        Registration<Node> registration;
    };
    HandleTable<Node> table;
    std::optional<Node> node;
    node.emplace(table);
    const Handle<Node> handle = node->registration.handle();
    CHECK(table.find(handle) == &*node);
    node.reset();
    CHECK(table.find(handle) == nullptr);
}
