% The twelve questions for SWI-Prolog: `swipl nfv.pl -- FACTS` prints counts and timing as JSON.
%
% What is recursive, or may be found twice, is tabled; the rest is found once by way of the indexes that Prolog makes by
% itself, and counted without being kept. Facts have a prefix, since `member` is Prolog's own.

:- initialization(main, main).
:- table in_region/2, foreign_public_net/2, reach/2.

in_region(P, R) :- inv_pop(P, R, _).
in_region(P, W) :- in_region(P, R), inv_region_parent(R, W).

vm_tenant(V, T) :- inv_vm(V, F, _, _, _, _), inv_vnf(F, N, _, _), inv_ns(N, T).
vm_pop(V, P) :- inv_vm(V, _, H, _, _, _), inv_host(H, P, _, _, _).

platinum_on_hdd(V, H) :-
    inv_vm(V, F, H, _, _, _), inv_host(H, _, _, _, hdd), inv_vnf(F, N, _, _), inv_ns(N, T), inv_tenant(T, platinum).

same_group(A, B) :- inv_member(A, G), inv_member(B, G).
foreign_public_net(V, N) :- inv_port(_, V, N), inv_network(N, O, public), vm_tenant(V, T), \+ same_group(T, O).

anti_affinity(A, B, H) :- inv_vm(A, F, H, _, _, _), inv_vm(B, F, H, _, _, _), A @< B.

overcommit(H, L, N) :- inv_host(H, _, N, _, _), aggregate_all(sum(C), inv_vm(_, _, H, C, _, _), L), L > N.

banned_image(V, I) :- inv_image_banned(I), inv_vm(V, _, _, _, _, I).
on_down_host(V, H) :- inv_vm(V, _, H, _, _, _), inv_host(H, _, _, down, _).

reach(A, B) :- inv_link(A, B).
reach(A, C) :- reach(A, B), inv_link(B, C).
chain_broken(A, B) :- reach(A, B), inv_vnf(B, _, _, 'ERROR').

no_active_vm(F) :- inv_vnf(F, _, _, _), \+ inv_vm(_, F, _, _, 'ACTIVE', _).

platinum_edge(V, P) :-
    inv_vm(V, F, H, _, _, _), inv_host(H, P, _, _, _), inv_pop(P, _, edge),
    inv_vnf(F, N, _, _), inv_ns(N, T), inv_tenant(T, platinum).

asked([in_region/2, vm_tenant/2, vm_pop/2, platinum_on_hdd/2, foreign_public_net/2, anti_affinity/3, overcommit/3,
       banned_image/2, on_down_host/2, reach/2, chain_broken/2, no_active_vm/1, platinum_edge/2]).

count(Name/Arity, Count) :- functor(Goal, Name, Arity), aggregate_all(count, Goal, Count).

main([Facts]) :-
    times(Cpu0, Wall0),
    load_files(user:Facts, [silent(true)]),
    times(Cpu1, Wall1),
    asked(Asked),
    maplist(count, Asked, Counts),
    times(Cpu2, Wall2),
    format("{\"counts\": {"),
    foldl(write_count, Asked, Counts, "", _),
    Load is Wall1 - Wall0, LoadCpu is Cpu1 - Cpu0, Evaluate is Wall2 - Wall1, EvaluateCpu is Cpu2 - Cpu1,
    format("}, \"timing\": {\"load_s\": ~6f, \"load_cpu_s\": ~6f, \"evaluate_s\": ~6f, \"evaluate_cpu_s\": ~6f}}~n",
           [Load, LoadCpu, Evaluate, EvaluateCpu]).

times(Cpu, Wall) :- statistics(process_cputime, Cpu), get_time(Wall).

write_count(Name/_, Count, Before, ", ") :- format("~w\"nfv:~w\": ~d", [Before, Name, Count]).
